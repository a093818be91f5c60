"""without-scales.py FROM TO: a model file whose scales have another name."""
import sys

data = open(sys.argv[1], "rb").read()
open(sys.argv[2], "wb").write(data.replace(b'"embed.scales"', b'"embed.others"'))
