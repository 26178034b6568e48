"""The page of tables that record_tables.py makes of a GPU's records: one file for each part of it."""
