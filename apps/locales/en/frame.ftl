# The frame, the forms and how English writes figures.
# $n chooses the form of a word; $count is the same number as one reads it.

language-name = English
number-decimal = .
number-group = ,
money = { $sign }{ $unit }{ $amount }
money-code = { $sign }{ $unit } { $amount }
money-left = { $value } left
money-of = of { $value }
date = { $year }-{ $month }-{ $day }
date-time = { $year }-{ $month }-{ $day } { $hour }:{ $minute } UTC
clock = { $hour }:{ $minute } UTC
time-unknown = unknown time
time-now = just now
time-soon = in less than 1 min.
time-minutes = { $count } min. ago
time-minutes-ahead = in { $count } min.
time-hours = { $count } hr. ago
time-hours-ahead = in { $count } hr.
time-days = { $n ->
    [one] { $count } day ago
   *[other] { $count } days ago
}
time-days-ahead = { $n ->
    [one] in { $count } day
   *[other] in { $count } days
}
duration-ms = { $value } ms
duration-s = { $value } s
duration-min = { $min } min { $s } s
duration-h = { $h } h { $min } min

skip = Skip to the content
trail = You are here
nav = Main
nav-feed = Feed
nav-board = Board
nav-agents = Agents
nav-approvals = Approvals
nav-inbox = Inbox
nav-runs = Runs
nav-documents = Documents
nav-flows = Flows
nav-pools = Pools
nav-drivers = Drivers
nav-schedules = Schedules
nav-supervisors = Supervisors
nav-costs = Costs
nav-events = Events
nav-audit = Audit
nav-more = More
live-on = Live
live-off = Offline, trying again
live-as-of = As of
sign-in = Sign in
sign-in-wrong = That is not the token. Copy the whole line and try again.
sign-in-too-many = Too many tries. Wait a minute, then try again.
sign-in-expired = Your session is over. Sign in again to go on.
sign-out = Sign out
token = Owner’s token
token-where = It was written at the first start, into a file only you can read:

pages = Pages
newer = Newer
older = Older
all = All
filter = Filter
go-back = Back
more-count = { $n ->
    [one] { $count } more
   *[other] { $count } more
}
of-total = of { $count }

error-refused = You may not do that
error-missing = There is nothing here
error-conflict = Something else came first
error-busy = Too busy just now
error-request = That request made no sense
error-ours = Something broke on our side

quarantined = This tenant’s cell is quarantined: nothing new is done until its owner mends it. Nothing was lost.
quarantined-how = What broke, and what its owner can do, says:
