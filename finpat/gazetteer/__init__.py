"""The gazetteer that `finpat.places` reads, and the script that makes it (see README.md beside this file)."""
