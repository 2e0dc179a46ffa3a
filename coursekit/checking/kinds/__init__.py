"""The kinds of answer, one module each. A new kind derives from `base.Kind` and is named in `coursekit.checking`."""
