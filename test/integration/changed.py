"""changed.py A B: which parameters of two files of weights differ in any bit."""
import sys

from stored_tensors import stored

left, right = stored(sys.argv[1]), stored(sys.argv[2])
both = sorted(left.keys() & right.keys())
print("changed:", *[name for name in both if left[name] != right[name]])
print("same bits:", *[name for name in both if left[name] == right[name]])
