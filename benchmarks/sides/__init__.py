"""The sides that are compared: this package, and a module here for each peer.

To add a peer, add its module: it imports the peer, gives its `version`, and has a function for
each kind of row it can do, named as the kind. Nothing else imports it but a process of its own.
"""

import pkgutil

OURS = "tinygrad_nn"
REFERENCE = "numpy"  # whose numbers the others must agree with
PEERS = [name for _, name, _ in pkgutil.iter_modules(__path__) if name != OURS]
