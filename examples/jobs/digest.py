import os

print("3 orders since yesterday")
print(f"sent by release {os.environ['ALOFT_RELEASE']}")
