"""The load of `benches/service.py`: a farm in a temporary folder, requests to it, and what its processes cost."""
