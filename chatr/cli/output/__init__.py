"""What commands print: tables, records, JSON, progress."""
