"""The toolbox on folders and servers made for the purpose: a PATH, a bundle, a release."""
