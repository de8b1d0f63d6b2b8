CREATE TABLE IF NOT EXISTS queue(id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), body text NOT NULL);
TRUNCATE queue;
