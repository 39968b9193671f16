/** What running stages find: counted, shown with its camera, and told as an event where it is news. */
import type { Report } from '../plugin/index.ts';
import type { Container } from './container.ts';

/** Takes in a finding of a stage; true where it is news, so that whoever reports may log it once. */
export function tellReport(container: Container, report: Report, stage: string): boolean {
  const { code, message, cameraId } = report;
  const found = container
    .get('metrics')
    .for({ stage })
    .counter('reports_total', 'Findings of running stages, by code.');
  found.add(1, { code });
  const news = container.get('cameras').report(report, stage);
  if (news) {
    const about = cameraId === undefined ? {} : { cameraId };
    container.get('events').emit({ type: 'report', stage, ...about, data: { code, message } });
  }
  return news;
}
