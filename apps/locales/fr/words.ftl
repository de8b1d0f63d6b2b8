# Les vocabulaires fermés : un message pour chaque valeur.

run-queued = En file
run-running = En cours
run-completed = Terminé
run-partial = Partiel
run-failed = Échec
run-rolled-back = Annulé et défait
run-compensation-failed = Non défait
run-held = Retenu
run-refused = Refusé
run-cancelled = Annulé
run-diverged = Divergent
run-unknown = Inconnu

step-waiting = En attente
step-running = En cours
step-retrying = Nouvel essai
step-held = Retenu
step-completed = Terminé
step-skipped = Sauté
step-failed = Échec
step-undone = Défait
step-by-hand = Réglé à la main
step-refused = Refusé
step-cancelled = Annulé
step-unknown = Inconnu

schedule-active = Active
schedule-waiting = En attente
schedule-paused = En pause
schedule-ended = Terminée
schedule-disabled = Désactivée

missed-runs-skip = Sont notées, sans exécution
missed-runs-once = Une exécution vaut pour toutes
missed-runs-catch-up = Chacune a son exécution

overlap-allow = Les deux travaillent
overlap-skip = Pas d’exécution
overlap-wait = L’exécution commence quand l’autre est terminée

breaker-closed = Fermé : il reçoit des événements
breaker-half-open = Entrouvert : après son repos, il reçoit un événement
breaker-open = Ouvert : il est au repos

agent-created = Créé
agent-idle = Au repos
agent-running = En cours
agent-stopped = Arrêté
agent-failed = En échec
agent-budget-exceeded = Budget épuisé

task-inbox = Boîte d’entrée
task-assigned = Attribué
task-in-progress = En cours
task-squad-review = Relecture
task-human-approval = Validation humaine
task-done = Terminé
task-failed = Échec
task-blocked = Bloqué
task-cancelled = Annulé

stage-inbox = Boîte d’entrée
stage-assigned = Attribué
stage-in-progress = En cours
stage-squad-review = Relecture
stage-human-approval = Validation humaine
stage-done = Terminé
stage-stuck = Échec ou blocage

tier-skill = Règle
tier-wasm = WASM
tier-model = Modèle
tier-endpoint = Service externe

world-repeatable = Répétable
world-keyed = Avec clé
world-once = Une seule fois

call-pending = En attente
call-completed = Répondu
call-failed = Échec
call-refused = Refusé
call-unknown = Inconnu

level-debug = Détail
level-info = Info
level-warn = Attention
level-error = Erreur

verdict-praised = Favorable
verdict-refuted = Réfuté
verdict-unread = Sans verdict

approval-pending = En attente
approval-approved = Approuvé
approval-rejected = Refusé
approval-expired = Expiré

period-run = par exécution
period-hour = par heure
period-day = par jour
period-week = par semaine
period-month = par mois
period-total = en tout

budget-action-pause = pause
budget-action-throttle = ralentir
budget-action-alert = alerter
budget-action-warn = avertir
budget-action-stop = arrêter

actor-person = Personne
actor-agent = Agent
actor-system = Système

role-owner = Propriétaire
role-admin = Administrateur
role-staff = Équipe
role-external = Externe

supervisor-running = En marche
supervisor-restarting = Redémarre
supervisor-suspended = Suspendu
supervisor-stopped = Arrêté
supervisor-failed = En échec

flow-plan = Plan
flow-workflow = Enchaînement
flow-saga = Saga
flow-instruction = Instruction

pool-ready = Prête
pool-running = En cours
pool-draining = Se vide
pool-drained = Vidée

driver-ready = Prêt
driver-working = En cours
driver-resting = Au repos
driver-tried = À l’essai
driver-waiting = Attend son agent
driver-empty = Ne répond à rien
driver-disabled = Désactivé
