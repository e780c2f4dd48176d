"""How everything looks without JavaScript: plain text, and HTML that is safe to keep."""
