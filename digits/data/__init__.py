"""The images on disk: splits as arrays, tables, JSON; each file whole or absent."""
