# Ce que disent les pages.

waiting = À vous de décider
waiting-blank = Rien ne vous attend.
stuck-undo = { $value } n’a pas pu être défait
stuck-supervisor = Le superviseur { $value } a échoué, et tout ce qu’il surveille est à l’arrêt
stuck-schedule = Ne s’exécute pas : { $value }
stuck-run = Personne ne sait si ce que { $value } a fait en dernier a eu lieu
untold = { $value } n’a pas été prévenu que quelque chose attend.
urgent = Urgent
why-refuted = { $value } le réfute encore au dernier tour.
batch-text = De quoi il s’agit
batch-document = Ce qui diffère de { $value }
batch-rejected = Ce qui diffère de ce qui a été refusé
batch-approved = Ce qui diffère de ce qui a été approuvé avant
batch-about = Décide ce dont la case est cochée, tel qu’affiché ici. Ce qui n’a pas de case demande un regard à part : c’est long, ou demande un autre rôle ou une réponse propre.
batch-approve = Approuver la sélection
batch-reject = Refuser la sélection
batch-decided = Décidés :
batch-left = Laissés tels quels :
why-checks = Ce qui doit être vrai ne l’est toujours pas au dernier tour.
why-unreviewed = Personne n’a relu ceci : aucun autre agent n’a regardé ce que { $value } a fait.
unreviewed = Non relu
why-unread = La réponse de { $value } ne contient aucun verdict lisible.
decided = Décidé
decided-blank = Rien n’a encore été décidé.
decided-approved = Approuvé par { $value }
decided-by-rule = Par une règle permanente : personne ne l’a regardé.
decided-rejected = Refusé par { $value }
working = Au travail
working-blank = Tout le monde se repose.
feed-happened = Ce qui s’est passé
feed-blank = Il ne s’est encore rien passé. Créez un agent et donnez-lui du travail :
feed-blank-how = Ce qu’il fait apparaît ici tout seul.
count-agents = Agents au travail
count-tasks = Tâches ouvertes
count-runs = Exécutions du jour
count-spent = Dépensé ce jour
count-failed = { $n ->
    [one] { $count } échec
   *[other] { $count } échecs
}
avoided = Évité
avoided-calls = { $n ->
    [one] { $count } réponse sans modèle
   *[other] { $count } réponses sans modèle
}

agents-blank = Il n’y a pas encore d’agent. Créez-en un :
agent-run = Lancer
agent-give = Lui donner du travail
agent-may = Peut utiliser
agent-may-nothing = Rien hors de son bac à sable.
agent-models = Modèles
agent-models-any = celui qui sait faire ce qu’il demande
agent-data = Données
agent-data-stays = restent dans le pays
agent-data-leaves = peuvent quitter le pays
agent-run-max = Une exécution coûte au plus
agent-unpriced = Il peut interroger des modèles sans prix. Aucun budget ne tient ce qu’ils coûtent ; les jetons d’une exécution, si.
runs-count = { $n ->
    [one] { $count } exécution
   *[other] { $count } exécutions
}
runs-none = Aucune exécution ne correspond.
runs-blank = Rien n’a encore été exécuté.
last-run = Dernière exécution
never-run = Jamais exécuté
agent-log = Ce qu’il a fait un jour
agent-log-none = Rien ce jour-là
agent-log-failed = sans résultat
agent-log-rest = Le reste de la journée
did-started = A commencé une exécution
did-attempt = Une tentative a échoué :
did-ended = Terminé :
did-note = A noté :
did-learned = A appris :
did-tool = A appelé
did-asked = A demandé à
did-document = A écrit
did-said = A dit :
did-handed = A passé la main à
schedules-blank = Rien n’est encore planifié. Dites quand :
schedules-more = Autres planifications
done-before = Une exécution antérieure l’a fait sous la même clé
earlier-attempt = Terminé ; une tentative antérieure a échoué :
schedule-waits-for = Attend { $value }, qui n’existe pas
schedule-next = Prochaines fois
schedule-pause = Mettre en pause
schedule-resume = Reprendre
schedule-run = Lancer maintenant
schedule-missed-runs = Fois passées sans exécution
schedule-catch-up-max = Au plus
schedule-overlap = Si l’exécution précédente travaille encore
schedule-jitter = Commence plus tard, d’au plus
schedule-until = Jusqu’au
schedule-times-max = Nombre de fois au plus
schedule-runs = Dernières exécutions
schedule-missed = { $n ->
    [one] { $count } fois manquée
   *[other] { $count } fois manquées
}
no-budget = Sans budget
made = Créé
digest = Composant

status = État
agent = Agent
plan = plan
paused = en pause
input = Entrée
output = Sortie
steps = Étapes
said = À mesure que c’est écrit
steps-blank = Pas encore d’étape.
started = Début
duration = Durée
cost = Coût
fuel = Calcul
task = Tâche
tier = Niveau
calls = Appels vers l’extérieur
calls-count = { $n ->
    [one] { $count } appel
   *[other] { $count } appels
}
calls-left = { $n ->
    [one] { $count } autre appel n’est pas affiché ici ; le déroulé le montre.
   *[other] { $count } autres appels ne sont pas affichés ici ; le déroulé les montre.
}
call-unread = pas encore recherché ; le déroulé montre ce qui a été demandé
log = Journal de l’agent
log-blank = Rien de noté pour l’instant.
log-earlier = { $n ->
    [one] { $count } ligne plus ancienne n’est pas affichée ; naos logs la montre.
   *[other] { $count } lignes plus anciennes ne sont pas affichées ; naos logs les montre.
}
log-cut = { $n ->
    [one] { $count } octet omis
   *[other] { $count } octets omis
}
log-left-out = { $n ->
    [one] { $count } ligne omise : le journal d’une exécution est plein.
   *[other] { $count } lignes omises : le journal d’une exécution est plein.
}
attempts = { $n ->
    [one] { $count } essai
   *[other] { $count } essais
}
cut = Le début seulement, sur { $count } octets.
run-note = Lui dire quelque chose : l’agent l’entend à son prochain tour
run-note-button = Le dire
run-cancel = Annuler cette exécution
plan-paused = Elle est en pause.
plan-paused-with = Elle est en pause avec
plan-go-on = Reprendre
plan-pause = Mettre en pause
plan-open-step = Étape ouverte
plan-skip = Passer l’étape
to-run = Voir l’exécution
to-approval = Voir la demande de validation
picture = Schéma
picture-words = En texte
picture-after = après { $value }
picture-large = Trop d’étapes pour être dessinées ; elles sont énumérées ci-dessous.
picture-times = Durée de chaque étape
waits-for = Attend { $value }
items = Éléments
items-done = { $part } sur { $whole } terminés
items-failed = { $n ->
    [one] un échec
   *[other] { $count } échecs
}
items-window = { $n ->
    [one] un à la fois
   *[other] { $count } à la fois
}

decide = Décider
approval-cost = Cela coûte { $value } au plus.
expires = Échéance
review = Relecture
review-none = Personne n’a relu ceci.
checks = Vérifié sans modèle
check-holds = Vrai
check-fails = Faux
check-edited = (avant qu’une personne ne le modifie)
comment = Commentaire
approve = Approuver
reject = Refuser
sources = Sources
version = version { $count }
document-blank = Ce document est vide.
documents-prefix = Le chemin commence par
documents-query = Chercher
documents-unfound = { $n ->
    [one] Rien ne convient dans { $n } document.
   *[other] Rien ne convient dans { $n } documents.
}
documents-left-out = { $n ->
    [one] { $n } document n’a pas été parcouru, faute de place. Dites comment commence son chemin.
   *[other] { $n } documents n’ont pas été parcourus, faute de place. Dites comment commencent leurs chemins.
}
documents-blank = Il n’y a pas encore de document. Les agents en écrivent, et vous aussi :
documents-none = Aucun document n’a un chemin qui commence ainsi.
documents-more = Autres documents
document-open = Le lire
document-bytes = { $n ->
    [one] { $count } octet
   *[other] { $count } octets
}
document-versions = Versions
document-versions-count = { $n ->
    [one] { $count } version
   *[other] { $count } versions
}
document-versions-none = Rien n’a été écrit ici, d’aussi loin qu’on a regardé.
document-gone = Retiré
document-erased = Effacée : plus personne ne peut la lire
document-erasure = Effacées pour de bon : versions
document-diff = Ce qui a changé
document-same = Rien ne diffère.

action = Action
who = Qui ou quoi
verify = Vérifier
verified-good = { $n ->
    [one] Vérifié : { $count } entrée, que personne n’a changée
   *[other] Vérifié : { $count } entrées, aucune n’a été changée
}
verified-bad = Le journal ne se vérifie pas à partir de l’entrée { $count }
verified-bad-how = Arrêtez le service, gardez le répertoire tel quel et lancez naos doctor.
root = Racine
checkpoints = Points de contrôle
audit-none = Aucune entrée ne correspond.
looked-none = Rien trouvé jusqu’ici : les entrées { $part } à { $whole } du journal ont été parcourues.
looked-some = C’est tout dans les entrées { $part } à { $whole } du journal ; les plus anciennes n’ont pas été parcourues.
look-on = Chercher plus loin
happened-more = Chercher plus loin dans le journal
audit-blank = Le journal est vide.

events-published = Publiés
events-orphans = Sans auditeur
events-dead = Mis de côté
events-consumers = Qui écoute
events-newest = Événements récents
events-none = Aucun événement ne correspond.
events-blank = Rien n’a été publié.
event-type = Type
event-source = Source
event-correlation = Conversation
event-category = Catégorie
event-any = Toutes
event-replay = Le redonner
event-drop = L’abandonner
event-in-flight = En cours :
event-done = Traités :
event-orphan = Personne n’écoutait
event-erased = (effacé)
event-time = Publié
event-place = Place dans le journal
event-by = Publié par
event-causation = Causé par
event-content = Nature de ses données
event-data = Données
event-whole = En entier :
event-whole-command = naos events show
event-about = Ce qu’il dit d’autre de lui-même
event-got = Qui l’a reçu
event-got-none = Personne ne l’a maintenant, et il n’a rien déclenché.
event-got-began = A déclenché
event-got-events = En a fait, en événements :
event-got-waits = Doit encore le recevoir.
event-got-held = L’a, et n’en a pas fini.
event-given = { $n ->
    [one] Donné une fois
   *[other] Donné { $count } fois
}
event-acted = Avant d’échouer, quelque chose a été fait qui ne peut être fait deux fois : regardez son exécution avant de le redonner.
delivery-paused = Rien n’est livré : quelqu’un l’a suspendu.
delivery-gone = Rien n’est livré : le destinataire a répondu qu’il n’existe plus.

today = Aujourd’hui
month = Ce mois
reserved = Réservé
spent = Dépensé
budget = Budget utilisé
budgets = Budgets
all-agents = Tous les agents ensemble
budgets-blank = Aucun budget n’est fixé. Fixez-en un :
at-limit = À la limite :
answers = Réponses
costs-days = Dépensé par jour
costs-agents = Par agent
costs-tiers = Par niveau
costs-models = Par modèle
costs-models-away = Ces sommes sont refaites : revenez plus tard.
costs-model = Modèle
tokens-in = Jetons lus
tokens-cached = dont gardés
tokens-out = Jetons écrits
costs-incidents = Facturé trop haut
costs-overbilled = { $n ->
    [one] { $count } réponse a été facturée plus qu’elle ne pouvait coûter : l’agent a été arrêté, son exécution dit N0222.
   *[other] { $count } réponses ont été facturées plus qu’elles ne pouvaient coûter : les agents ont été arrêtés, leurs exécutions disent N0222.
}
costs-overbilled-none = Aucune réponse n’a été facturée plus qu’elle ne pouvait coûter.
unpriced = sans prix
costs-unpriced = Aucun budget ne tient ce que coûtent les modèles sans prix : personne n’a dit ce que c’est. Chaque exécution s’arrête aux jetons de son agent.
costs-blank = Rien n’a été dépensé.

supervisors-blank = Il n’y a pas encore de superviseur. Créez-en un :
supervisor-restarts = { $part } redémarrages sur { $whole }
supervisor-window = en
supervisor-reset = Réinitialiser
supervisor-missing = Pas encore là
supervisor-parent = Surveillé par
supervisor-since = Dans cet état depuis
supervisor-restarted = Redémarrages en tout
restarts-count = { $n ->
    [one] redémarré { $count } fois
   *[other] redémarré { $count } fois
}

flows-blank = Rien ne se fait encore par étapes. Créez un enchaînement :
flow-enabled = se déclenche
flow-disabled = rien ne la déclenche
flow-enable = Laisser se déclencher
flow-disable = Ne plus déclencher
flow-kept = Cette version de naos n’a fait que la garder : appliquez-la de nouveau pour l’exécuter.
steps-count = { $n ->
    [one] { $count } étape
   *[other] { $count } étapes
}
plan-resume = Reprendre là où elle a échoué
plan-reset = L’abandonner en l’état
plan-undone = Régler : c’est annulé, continuer avec le reste
plan-retry-undo = Réessayer la compensation
plan-decide = Que faire
plan-not-undone = { $value } n’a pas pu être annulée.

pools-blank = Il n’y a pas encore d’équipe. Créez-en une :
pool-size = Taille
pool-scale = Fixer la taille
pool-drain = Ne plus prendre de travail
pool-start = Reprendre du travail
pool-tasks = Tâches, une par ligne
pool-submit = Lui donner le lot
pool-history = Lots
pool-batches = { $n ->
    [one] { $count } lot ouvert
   *[other] { $count } lots ouverts
}
pool-working = { $n ->
    [one] { $count } tâche ouverte
   *[other] { $count } tâches ouvertes
}

drivers-blank = Personne ne répond encore aux événements. Dites qui le fait :
driver-builtin = Intégré :
driver-open = { $part } sur { $whole } à la fois
driver-queue = { $n ->
    [one] { $count } événement attend
   *[other] { $count } événements attendent
}
driver-per = en
driver-errors = { $count } % des dernières réponses ont échoué
driver-rests = A échoué trop souvent ; au repos jusqu’au
driver-reset = L’essayer maintenant
driver-enable = Lui donner des événements
driver-disable = Ne plus lui en donner
driver-breaker = Disjoncteur
driver-in-a-row = Échecs de suite
driver-in-a-row-of = { $part }, au repos à { $whole }
driver-pause = Premier repos
driver-answered = Réponses
driver-failed = Échecs
driver-timeout = Temps pour répondre
driver-attempts = Demandes de la même chose, au plus
driver-failed-last = Dernier échec
driver-answers = Dernières réponses
driver-answers-none = Il n’a encore répondu à rien.
driver-well = A répondu
driver-ill = A échoué
driver-manifest = Manifeste

task-new = Nouvelle tâche
task-new-button = Mettre au tableau
task-title = Son nom
task-brief = Ce qu'il faut faire
task-result = Résultat
task-thread = Discussion
task-thread-blank = Rien n'a encore été dit. @nom appelle un agent.
task-say = Dire quelque chose ; @nom appelle un agent, @all les appelle tous
task-say-button = Envoyer
task-to = À qui elle est
task-then = Puis
task-reviewer = Relecteur
task-approve = Approuvée par
task-priority = Priorité
task-labels = Étiquettes
task-cc = En copie
task-attached = Documents
task-due = pour le
task-begins = commence
task-steps = Ses étapes
task-part-of = partie de
task-part = partie
task-after = après
task-unblocks = avant
timeline = Déroulé
timeline-open = Suivre pas à pas ce qu’il a pensé et fait
timeline-blank = L’exécution n’a encore fait aucun appel : il n’y a rien à suivre.
timeline-before = Le précédent
timeline-after = Le suivant
timeline-model = Question au modèle
timeline-shown = Ce qui lui a été montré
timeline-part = en partie
timeline-left-out = Ce qui ne lui a pas été montré
timeline-tools = Ce qu’il pouvait appeler
timeline-asked = Ce qui a été demandé
timeline-said = Ce qui est revenu
timeline-earlier = Appels précédents
timeline-later = Appels suivants
timeline-unread = Ce qui a été demandé n’est pas encore trouvé : trop d’autres choses se sont passées entre-temps.
timeline-go-on = Chercher plus loin
timeline-wants = Ce qu’il veut faire appeler
run-replay = À refaire depuis le journal, comparé octet par octet :
run-replay-command = naos replay
what-if = Et si
what-if-of = à côté de
what-if-from = à partir du tour
what-if-model = avec le modèle
what-if-prompt = Avec cette consigne
what-if-turns = Tours
what-if-original = Original
what-if-same = Les réponses sont les mêmes.
what-if-diff = En quoi les réponses diffèrent
what-if-cut = D’autres différences ne sont pas montrées.
what-ifs = Et si…
what-if-ask = Et si c’était un autre modèle, ou une autre consigne ?
what-if-from-label = À partir de quel tour
what-if-model-label = Modèle
what-if-as-it-was = Comme c’était
what-if-prompt-label = Consigne ; vide, elle reste comme elle était
what-if-begin = Continuer ainsi
what-if-no-effect = Coûte ses propres réponses ; rien de ce qu’il fait n’atteint personne.
task-begin = Commencer
task-again = Reprendre
task-made = en a fait
task-refuted = y a réfuté
task-rejected = Une personne l'a rejeté
task-finish = C'est fait
task-cancel = Annuler
task-hand = Confier à
task-hand-note = Ce qu'il faut savoir
task-hand-button = Confier

approval-edit = Modifier avant d'approuver
approval-edit-label = Le texte approuvé
approval-answer = Votre réponse

inbox-handle = Dans les fils, on vous appelle @{ $value }.
inbox-no-handle = Personne ne peut encore vous appeler dans les fils : un propriétaire vous donne un mot avec naos member handle.
inbox-blank = Rien ici pour l’instant. Qui vous appelle dans un fil, vous confie une tâche ou travaille à une tâche que vous suivez s’annonce ici.
inbox-seen = Tout est vu
inbox-called = Vous êtes appelé par
inbox-said = Dit par
inbox-assigned = À vous maintenant, par
inbox-ended = Terminé, par
inbox-delegated = La réponse vous est laissée par
inbox-left-behind = La personne à qui la réponse était laissée est partie, dit
inbox-shown = Montré par
inbox-standup = Annoncé par la planification
task-follow = Suivre
task-mute = Ne plus suivre
approval-leave = Laisser la réponse à quelqu’un
approval-leave-to = @nom ou identifiant d’un membre
approval-leave-note = Ce qu’il faut savoir
approval-leave-button = Lui laisser la réponse
approval-left = La réponse a été laissée à { $value }
approval-gone = La personne à qui elle était laissée est partie ou ne répond plus
rules = Règles permanentes
rule-taken = Répondu oui au nom de
rule-until = jusqu’au
rule-answers = réponses jusqu’ici :
rule-lapsed = Elle ne vaut plus : { $value }
rule-offered = Répondu oui tant de fois de suite :
rule-take = Toujours dire oui pendant 30 jours
rule-end = Y mettre fin
rule-decline = Ne pas le proposer
