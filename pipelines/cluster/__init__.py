"""Runs the compiled pipeline on Kubeflow Pipelines."""
