"""Teaching a model a style from its listed works: an adapter file that is loaded only where the style is asked for."""
