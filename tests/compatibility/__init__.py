"""What is stored and what is on the wire stays as it is. These tests use the command line, HTTP and files only."""
