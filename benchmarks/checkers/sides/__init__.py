"""The checkers that are compared: this package's, and a module here for each peer's.

Each has a `version`, and `checker(case)`, which returns a function without arguments that checks
the case once: it returns "pass" (ours also "inconclusive"), and raises what the checker raises.
Nothing else imports a side but a process of its own.
"""

import pkgutil

OURS = "tinygrad_nn"
PEERS = [name for _, name, _ in pkgutil.iter_modules(__path__) if name != OURS]
