INSERT INTO queue(body) VALUES (repeat('x', 1024));
