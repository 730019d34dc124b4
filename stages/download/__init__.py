"""Downloads a data set, each file from the first source whose content has the right hash."""
