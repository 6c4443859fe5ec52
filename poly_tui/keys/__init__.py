"""Which keys do what: presets, and the bindings that there are."""
