"""Write the reference pages that are behind the code, and name them."""

from tools.reference import catalogue

for name in catalogue.write():
    print(f"docs/reference/{name}")
