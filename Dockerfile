# One image for all programs: node <folder>/main.ts. Nothing is compiled; only types are taken out.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force

# slim and not smaller: the agent's inventory asks the system's own tools through a shell.
FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
# Nothing in the running image installs packages.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn*
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE* ./
COPY common ./common
COPY certs ./certs
COPY webhook ./webhook
COPY agent ./agent
COPY controller ./controller
# Node would take the types out at every start, by a compiler that stays in memory: 20 MiB of each process.
RUN node common/image/strip-types.ts agent certs common controller webhook
# A number, so that runAsNonRoot can be checked; the one in manifests/.
USER 65532:65532
ENTRYPOINT ["node", "--import=/app/common/image/plain.mjs"]
CMD ["controller/main.ts", "--help"]
