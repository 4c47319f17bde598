"""What a change does to the rules, as a plan: two sides compared, rule by rule and field by field."""
