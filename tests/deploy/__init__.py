"""Deploying, tried on real servers, real disks and every fault that can be made here."""
