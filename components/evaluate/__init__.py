"""Measures the classifiers of an arm on the test set, which no other stage predicts."""
