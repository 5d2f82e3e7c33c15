"""Files and descriptors read into `case.file` bodies; nothing here talks to a registry or writes anything."""
