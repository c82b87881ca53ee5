"""The SQL that finds and moves events around a span; statements.py prepares it. $1: organization."""

# Of spans ($2) on days from $3 to $4, the events below that wait for them, and those that count.
BELOW = """
SELECT event.* FROM unnest($2) AS span (id) CROSS JOIN LATERAL (
    SELECT day, id, above FROM usage_event
    WHERE organization_id = $1 AND above = span.id AND day BETWEEN $3 AND $4 OFFSET 0
) AS event"""
COUNTED = """
SELECT e.day, e.id FROM generate_series($3, $4, interval '1 day') AS of (day)
JOIN usage_event e ON e.organization_id = $1 AND e.day = of.day::date AND e.id = ANY($2)
WHERE e.is_parent IS NOT TRUE"""

# Of events by day and id ($2, $3), which span each waits for from now on ($4).
MOVE = """
UPDATE usage_event event SET above = moved.above FROM unnest($2, $3, $4) AS moved (day, id, above)
WHERE event.organization_id = $1 AND event.day = moved.day AND event.id = moved.id"""
