"""Fix builders: Program and a finding -> Fix."""
