"""What the pictures of several stages share."""
