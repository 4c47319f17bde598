"""The files around the program: workflows, the action, images, compose, Kubernetes."""
