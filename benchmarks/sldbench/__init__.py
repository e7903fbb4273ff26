"""SLDBench: eight tasks of scaling-law discovery, run with one fixed configuration (Lin et al. 2025, 2507.21184)."""
