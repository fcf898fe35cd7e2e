"""A local AWS with a small shop in it, to rehearse on. Only this folder knows that it is not the real one."""
