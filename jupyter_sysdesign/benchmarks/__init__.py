"""Figures, taken side by side with peers in one run; ``sysdesign bench`` prints them."""
