"""Model calls as OpenTelemetry tells of them: spans over OTLP/HTTP, read as the events that a customer would send."""
