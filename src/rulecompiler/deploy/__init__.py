"""From generated/ to servers that run exactly that, or that run what they ran before."""
