"""Figures: functions from frames to figures. No queries, no callbacks.

Colours are told apart by people who see few of them (after Okabe and Ito, 2008), and nothing is said by
colour alone: what comes in stands above the line, what goes out below it.
"""
