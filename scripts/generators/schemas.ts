/** `schemas/pipeline.schema.json`: the schema of pipelines, for editors, with every plugin in the box. */
import { pipelineSchema } from '../../core/graph/schema.ts';
import { createRegistry } from '../../core/plugin/registry.ts';
import builtins from '../../plugins/index.ts';

export const owns = ['schemas/*.json'];

export async function generate(): Promise<Map<string, string>> {
  const schema = pipelineSchema(createRegistry(builtins));
  return new Map([['schemas/pipeline.schema.json', `${JSON.stringify(schema, null, 2)}\n`]]);
}
