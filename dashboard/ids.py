"""Ids that callbacks and browser tests share. A page's own ids start with the page's name."""

MAIN = "main"  # where the page is; the skip link leads there
RUN = "run"  # dcc.Store: the run that the page was drawn from; callbacks read that run, not the newest
NEWER_RUN = "newer-run"  # banner that a newer run is published
NEWER_RUN_CHECK = "newer-run-check"
SCHEME = "scheme"  # button between light and dark
PRINT = "print"
RELOAD = "reload"  # dcc.Store: whatever a callback puts here has the browser load the page anew
RELOADED = "reloaded"
REVEAL = "reveal"  # type of the button; its id names the object
REVEAL_REASON = "reveal-reason"
REVEAL_SAID = "reveal-said"
NOTIFICATIONS = "notifications"

ACCOUNT_ID = "account-id"  # dcc.Store: whose page it is
ACCOUNT_TIMELINE = "account-timeline"
ACCOUNT_RANGE = "account-range"  # type of the buttons that choose how much time is shown
ACCOUNT_TIMELINE_NOTE = "account-timeline-note"
ACCOUNT_HOURS = "account-hours"
ACCOUNT_CLOCK = "account-clock"
ACCOUNT_COUNTERPARTIES = "account-counterparties"
ACCOUNT_TRANSACTIONS = "account-transactions"
FINDING = "finding"  # type of the summary that opens a finding
EVIDENCE = "evidence"  # type of the place where its rows appear
CONTRIBUTION = "contribution"
PEERS = "peers"

QUEUE_URL = "queue-url"  # dcc.Location: where the filters live
QUEUE_WHICH = "queue-which"  # dcc.Store: subjects or protect
QUEUE_FILTER = "queue-filter"  # type of the controls, one for each filter
QUEUE_GRID = "queue-grid"  # type; its `query` is what the grid is filtered by
QUEUE_TOTAL = "queue-total"
QUEUE_CLEAR = "queue-clear"
QUEUE_EXPORT = "queue-export"  # type of the buttons, one for each format
QUEUE_FILE = "queue-file"
QUEUE_ASSIGNEE = "queue-assignee"
QUEUE_ASSIGN = "queue-assign"
QUEUE_ASSIGNED = "queue-assigned"
QUEUE_VIEW_NAME = "queue-view-name"
QUEUE_VIEW_SAVE = "queue-view-save"
QUEUE_VIEW_REMOVE = "queue-view-remove"
QUEUE_VIEWS = "queue-views"

CASE_ALERT = "case-alert"  # dcc.Store: number and version of the alert as it was shown
CASE_DO = "case-do"  # type of the buttons, one for each action
CASE_APPROVE = "case-approve"  # type of the buttons of the second pair of eyes
CASE_TEXT = "case-text"
CASE_KIND = "case-kind"
CASE_REFERENCE = "case-reference"
CASE_DAY = "case-day"
CASE_SAID = "case-said"
