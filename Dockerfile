# Images of the programs: node <folder>/main.ts. Nothing is compiled; only types are taken out. Without --target it is one
# image for all of them, as the manifests name it; --target agent, webhook, controller or certs holds one program and what
# that loads. Pin the base by its digest: --build-arg NODE_IMAGE=node:24-slim@sha256:...
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force

# slim and not smaller: the agent's inventory asks the system's own tools through a shell.
FROM ${NODE_IMAGE} AS base
ENV NODE_ENV=production
WORKDIR /app
# Nothing in the running image installs packages.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn*
COPY package.json LICENSE* ./
# A number, so that runAsNonRoot can be checked; the one in manifests/.
USER 65532:65532
ENTRYPOINT ["node", "--import=/app/common/image/plain.mjs"]

# Node would take the types out at every start, by a compiler that stays in memory: 20 MiB of each process.
FROM dependencies AS agent-files
COPY common ./common
COPY agent ./agent
RUN node common/image/prune.ts prom-client systeminformation winston && node common/image/strip-types.ts agent common

FROM dependencies AS webhook-files
COPY common ./common
COPY webhook ./webhook
RUN node common/image/prune.ts @kubernetes/client-node express prom-client typebox winston yaml && node common/image/strip-types.ts common webhook

FROM dependencies AS controller-files
COPY common ./common
COPY controller ./controller
RUN node common/image/prune.ts @kubernetes/client-node express got prom-client typebox winston yaml && node common/image/strip-types.ts common controller

FROM dependencies AS certs-files
COPY common ./common
COPY certs ./certs
RUN node common/image/prune.ts @kubernetes/client-node node-forge prom-client winston && node common/image/strip-types.ts certs common

FROM dependencies AS all-files
COPY common ./common
COPY certs ./certs
COPY webhook ./webhook
COPY agent ./agent
COPY controller ./controller
RUN node common/image/strip-types.ts agent certs common controller webhook

FROM base AS agent
COPY --from=agent-files /app /app
CMD ["agent/main.ts", "--help"]

FROM base AS webhook
COPY --from=webhook-files /app /app
CMD ["webhook/main.ts", "--help"]

FROM base AS controller
COPY --from=controller-files /app /app
CMD ["controller/main.ts", "--help"]

FROM base AS certs
COPY --from=certs-files /app /app
CMD ["certs/main.ts", "--help"]

FROM base AS all
COPY --from=all-files /app /app
CMD ["controller/main.ts", "--help"]
