# Le cadre, les formulaires et l’écriture des nombres.
# $n choisit la forme du mot ; $count est le même nombre tel qu’on le lit.

language-name = Français
number-decimal = ,
number-group = { "\u202F" }
money = { $sign }{ $amount }{ "\u00A0" }{ $unit }
money-code = { $sign }{ $amount }{ "\u00A0" }{ $unit }
money-left = reste { $value }
money-of = sur { $value }
date = { $day }/{ $month }/{ $year }
date-time = { $day }/{ $month }/{ $year } { $hour }:{ $minute } UTC
clock = { $hour }:{ $minute } UTC
time-unknown = date inconnue
time-now = à l’instant
time-soon = dans moins d’1 min
time-minutes = il y a { $count } min
time-minutes-ahead = dans { $count } min
time-hours = il y a { $count } h
time-hours-ahead = dans { $count } h
time-days = il y a { $count } j
time-days-ahead = dans { $count } j
duration-ms = { $value } ms
duration-s = { $value } s
duration-min = { $min } min { $s } s
duration-h = { $h } h { $min } min

skip = Aller au contenu
trail = Vous êtes ici
nav = Navigation principale
nav-feed = Fil
nav-board = Tableau
nav-agents = Agents
nav-approvals = Validations
nav-inbox = Boîte de réception
nav-runs = Exécutions
nav-documents = Documents
nav-flows = Enchaînements
nav-pools = Équipes
nav-drivers = Pilotes
nav-schedules = Planifications
nav-supervisors = Superviseurs
nav-costs = Coûts
nav-events = Événements
nav-audit = Audit
nav-more = Plus
live-on = En direct
live-off = Hors ligne, nouvel essai
live-as-of = À jour à
sign-in = Se connecter
sign-in-wrong = Ce n’est pas le bon jeton. Copiez la ligne entière et réessayez.
sign-in-too-many = Trop d’essais. Attendez une minute, puis réessayez.
sign-in-expired = Votre session est terminée. Reconnectez-vous pour continuer.
sign-out = Se déconnecter
token = Jeton du propriétaire
token-where = Il a été écrit au premier démarrage, dans un fichier que vous seul pouvez lire :

pages = Pages
newer = Plus récents
older = Plus anciens
all = Tous
filter = Filtrer
go-back = Retour
more-count = { $n ->
    [one] { $count } de plus
   *[other] { $count } de plus
}
of-total = sur { $count }

error-refused = Vous n’avez pas ce droit
error-missing = Il n’y a rien ici
error-conflict = Quelque chose est passé avant
error-busy = Trop de travail en ce moment
error-request = Cette demande n’a pas de sens
error-ours = Quelque chose s’est cassé chez nous

quarantined = La cellule de ce client est en quarantaine : rien de nouveau ne se fait tant que son propriétaire ne l’a pas réparée. Rien n’est perdu.
quarantined-how = Ce qui a cassé, et ce que le propriétaire peut faire :
