# One image for web, workers and scheduler; what it runs is said in tokentra/machine/programs.py and docker-compose.yml.

FROM node:22-slim AS browser
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build --silent && mkdir -p build/sdk && npm run sdk --silent

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 TOKENTRA_VAR=/var/lib/tokentra \
    MALLOC_TRIM_THRESHOLD_=1048576 MALLOC_MMAP_THRESHOLD_=1048576 MALLOC_ARENA_MAX=1
RUN useradd --system --uid 10001 --home-dir /var/lib/tokentra --create-home tokentra
WORKDIR /app
COPY requirements/run.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY . .
COPY --from=browser /app/build build/
RUN cd sdks/python && python -m hatchling build -t wheel -d /app/build/sdk
# Settings want keys before they collect; these ones are never used and not kept.
RUN SECRET_KEY=collect TOKENTRA_ENCRYPTION_KEYS="$(head -c 32 /dev/zero | base64)" \
    python manage.py collectstatic --noinput --verbosity 0
USER tokentra
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "tokentra.wsgi", "--bind", "0.0.0.0:8000", "--preload", \
     "--worker-class", "tokentra.machine.web_worker.Worker", "--workers", "2", "--threads", "5", "--graceful-timeout", "5", \
     "--log-level", "warning", "--forwarded-allow-ips", "", "--no-control-socket"]
