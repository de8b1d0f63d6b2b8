# The closed vocabularies: one message for each value.

run-queued = Queued
run-running = Running
run-completed = Completed
run-partial = Partial
run-failed = Failed
run-rolled-back = Rolled back
run-compensation-failed = Undoing failed
run-held = Held
run-refused = Refused
run-cancelled = Cancelled
run-diverged = Diverged
run-unknown = Unknown

step-waiting = Waiting
step-running = Running
step-retrying = Retrying
step-held = Held
step-completed = Completed
step-skipped = Skipped
step-failed = Failed
step-undone = Undone
step-by-hand = Resolved by hand
step-refused = Refused
step-cancelled = Cancelled
step-unknown = Unknown

schedule-active = Active
schedule-waiting = Waiting
schedule-paused = Paused
schedule-ended = Ended
schedule-disabled = Disabled

missed-runs-skip = Are recorded, and have no run
missed-runs-once = One run stands for all of them
missed-runs-catch-up = Each has its run

overlap-allow = Both work
overlap-skip = It has no run
overlap-wait = Its run begins when the other one has ended

breaker-closed = Closed: it is given events
breaker-half-open = Half open: it rested, and is given one event
breaker-open = Open: it rests

agent-created = Created
agent-idle = Idle
agent-running = Running
agent-stopped = Stopped
agent-failed = Failed
agent-budget-exceeded = Budget exceeded

task-inbox = Inbox
task-assigned = Assigned
task-in-progress = In progress
task-squad-review = Squad review
task-human-approval = Human approval
task-done = Done
task-failed = Failed
task-blocked = Blocked
task-cancelled = Cancelled

stage-inbox = Inbox
stage-assigned = Assigned
stage-in-progress = In progress
stage-squad-review = Squad review
stage-human-approval = Human approval
stage-done = Done
stage-stuck = Failed or blocked

tier-skill = Skill
tier-wasm = WASM
tier-model = Model
tier-endpoint = Endpoint

world-repeatable = Repeatable
world-keyed = Keyed
world-once = Once only

call-pending = Pending
call-completed = Answered
call-failed = Failed
call-refused = Refused
call-unknown = Unknown

level-debug = Debug
level-info = Info
level-warn = Warning
level-error = Error

verdict-praised = Praised
verdict-refuted = Refuted
verdict-unread = No verdict

approval-pending = Waiting
approval-approved = Approved
approval-rejected = Rejected
approval-expired = Expired

period-run = per run
period-hour = per hour
period-day = per day
period-week = per week
period-month = per month
period-total = in all

budget-action-pause = pause
budget-action-throttle = slow down
budget-action-alert = alert
budget-action-warn = warn
budget-action-stop = stop

actor-person = Person
actor-agent = Agent
actor-system = System

role-owner = Owner
role-admin = Admin
role-staff = Staff
role-external = External

supervisor-running = Running
supervisor-restarting = Restarting
supervisor-suspended = Suspended
supervisor-stopped = Stopped
supervisor-failed = Failed

flow-plan = Plan
flow-workflow = Workflow
flow-saga = Saga
flow-instruction = Instruction

pool-ready = Ready
pool-running = Running
pool-draining = Draining
pool-drained = Drained

driver-ready = Ready
driver-working = Working
driver-resting = Resting
driver-tried = Being tried
driver-waiting = Waiting for its agent
driver-empty = Answers nothing
driver-disabled = Disabled
