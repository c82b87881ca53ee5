"""Who and what caused spend, as measured: customers, agents, runs and single calls, on pages and over JSON."""
