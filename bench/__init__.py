"""The benchmark of fastloss against its peers and the memory floor; `python -m bench --help` tells how to run it."""
