"""A progress bar, in a terminal and in a notebook."""


class Bar:
    """A progress bar that is told how much is done of how much; nothing is shown before the first time."""

    def __init__(self):
        self.bar = None

    def __enter__(self):
        return self

    def advance(self, done, total, text):
        """Show that `done` of `total` steps are done and what is being done now."""
        if self.bar is None:
            from tqdm import tqdm

            self.bar = tqdm(unit="", leave=False)
        self.bar.total = total
        self.bar.set_description(text, refresh=False)
        self.bar.update(done - self.bar.n)

    def __exit__(self, *error):
        if self.bar is not None:
            self.bar.close()
