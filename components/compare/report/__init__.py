"""The report: one HTML file for people."""
