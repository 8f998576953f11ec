"""Parts of a page: functions from values to Dash components. No queries, no callbacks."""
