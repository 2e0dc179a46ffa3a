"""What belongs to the learner: the working copy of the notebooks, the progress record, the health of the machine."""
