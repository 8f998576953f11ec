"""Adverts: contact values and texts in one form, clusters of one poster, payments that fit their times."""
