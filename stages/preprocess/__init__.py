"""The stage `preprocess`: from IDX files to checked, stratified splits."""
