"""What a server tells those who look after it: logs, and figures for Prometheus.

Figures are counted in each process, summed up over all of them, and served on a port apart.
"""
